// Load the dump that is the first argument and check it with the published library: the whole tree, and every proof that the second file holds.
import { readFileSync } from "node:fs";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";

const [dump, proofs] = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, "utf8")));
const tree = StandardMerkleTree.load(dump);
tree.validate();
const again = StandardMerkleTree.of(dump.values.map(({ value }) => value), dump.leafEncoding);
if (again.root !== tree.root) throw new Error(`made again, the root is ${again.root}, not ${tree.root}`);
if (JSON.stringify(again.dump().tree) !== JSON.stringify(dump.tree)) throw new Error("made again, the tree differs");
if (proofs.length !== dump.values.length) throw new Error(`${proofs.length} proofs for ${dump.values.length} values`);
let total = 0n;
for (const [index, value] of tree.entries()) {
  if (!StandardMerkleTree.verify(tree.root, dump.leafEncoding, value, proofs[index])) throw new Error(`the proof of ${value} is wrong`);
  if (JSON.stringify(tree.getProof(index)) !== JSON.stringify(proofs[index])) throw new Error(`the proof of ${value} differs`);
  total += BigInt(value[1]);
}
console.log(JSON.stringify({ root: tree.root, total: total.toString() }));
