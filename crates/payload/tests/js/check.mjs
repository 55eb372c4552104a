// Reads a list of files, writes what the published libraries make of each: its root, its CAR and that CAR's piece.
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, writeFileSync } from 'node:fs'
import { CarWriter } from '@ipld/car'
import { decode } from '@ipld/dag-pb'
import { Piece } from '@web3-storage/data-segment'
import { importer } from 'ipfs-unixfs-importer'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { balanced } from 'ipfs-unixfs-importer/layout'

const DAG_PB = 0x70
const [, , list, answers] = process.argv

/** How a file is cut: by the profile, or as the list says. */
function options({ leaf, links }) {
  if (leaf === undefined) return { profile: 'unixfs-v1-2025' }
  const chunker = fixedSize({ chunkSize: leaf })
  return { cidVersion: 1, rawLeaves: true, chunker, layout: balanced({ maxChildrenPerNode: links }) }
}

async function imported(file) {
  const blocks = new Map()
  const store = {
    put(cid, bytes) {
      blocks.set(cid.toString(), bytes)
      return cid
    },
  }
  let root
  const content = createReadStream(file.path, { highWaterMark: 1 << 20 })
  for await (const entry of importer([{ content }], store, options(file))) root = entry.cid
  return { root, blocks }
}

function* depthFirst(cid, blocks) {
  const bytes = blocks.get(cid.toString())
  yield { cid, bytes }
  if (cid.code === DAG_PB) for (const link of decode(bytes).Links) yield* depthFirst(link.Hash, blocks)
}

async function car(root, blocks) {
  const { writer, out } = CarWriter.create([root])
  const chunks = []
  const collected = (async () => {
    for await (const chunk of out) chunks.push(chunk)
  })()
  for (const block of depthFirst(root, blocks)) await writer.put(block)
  await writer.close()
  await collected
  return Buffer.concat(chunks)
}

const found = []
for (const file of JSON.parse(readFileSync(list, 'utf8'))) {
  const { root, blocks } = await imported(file)
  const bytes = await car(root, blocks)
  const piece = Piece.fromPayload(bytes)
  found.push({
    root: root.toString(),
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    v1: piece.toInfo().link.toString(),
    v2: piece.link.toString(),
  })
}
writeFileSync(answers, JSON.stringify(found))
