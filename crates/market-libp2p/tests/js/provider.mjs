// A storage provider of js-libp2p: another implementation of the protocols, of DAG-CBOR and of the signature.
//
//   node provider.mjs <miner's address in hex> <attoFIL for a GiB and epoch>
//
// It writes a line of JSON when it listens, and one for each request: what it made of it.
import './polyfill.mjs'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import * as cbor from '@ipld/dag-cbor'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { createLibp2p } from 'libp2p'

const GIB = 1n << 30n
const [minerHex, asked] = process.argv.slice(2)
const miner = Buffer.from(minerHex, 'hex')
const price = BigInt(asked)
const deals = new Map()

const say = (what) => console.log(JSON.stringify(what))
const hex = (bytes) => Buffer.from(bytes).toString('hex')
const same = (left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)) === 0
/** An amount: nothing for 0, else a sign and the magnitude. */
const amount = (bytes) => bytes.length === 0 ? 0n : BigInt(`0x${hex(bytes.subarray(1))}`)
const token = (value) => {
  if (value === 0n) return new Uint8Array()
  const digits = value.toString(16)
  return Uint8Array.from([0, ...Buffer.from(digits.padStart(digits.length + digits.length % 2, '0'), 'hex')])
}

/** Whether the address's key signed the bytes: secp256k1 over BLAKE2b-256, with the recovery at the end. */
function signed (address, bytes, signature) {
  if (signature.length !== 66 || signature[0] !== 1 || address[0] !== 1) return false
  const recovered = Uint8Array.from([signature[65], ...signature.subarray(1, 65)])
  const hash = blake2b(bytes, { dkLen: 32 })
  const compressed = secp256k1.recoverPublicKey(recovered, hash, { prehash: false })
  const key = secp256k1.Point.fromBytes(compressed).toBytes(false)
  return same(address, [1, ...blake2b(key, { dkLen: 20 })])
}

/** The item that a stream carries, and its bytes. */
function item (stream) {
  return new Promise((resolve, reject) => {
    let bytes = new Uint8Array()
    stream.addEventListener('message', (event) => {
      bytes = Uint8Array.from([...bytes, ...event.data.subarray()])
      try {
        resolve({ value: cbor.decode(bytes), bytes })
      } catch (cause) {
        // Not whole yet.
      }
    })
    stream.addEventListener('close', () => reject(new Error('closed within the item')))
  })
}

async function reply (stream, value) {
  stream.send(cbor.encode(value))
  await stream.close()
}

function judge (deal) {
  const [proposal, signature] = deal.ClientDealProposal
  const [, size, , client, provider, , , , offered] = proposal
  if (!signed(client, cbor.encode(proposal), signature)) return 'failed validation: invalid signature'
  if (!same(provider, miner)) return 'failed validation: incorrect provider for deal'
  const least = price * BigInt(size) / GIB
  if (amount(offered) < least) {
    return `failed validation: storage price per epoch less than asking price: ${amount(offered)} < ${least}`
  }
  if (deals.has(hex(deal.DealUUID))) return `deal has the same uuid as deal ${hex(deal.DealUUID)}`
  return ''
}

const handlers = {
  '/fil/storage/mk/1.2.0': async (stream) => {
    const { value, bytes } = await item(stream)
    const message = judge(value)
    if (message === '') deals.set(hex(value.DealUUID), value)
    say({
      deal: hex(value.DealUUID),
      keys: Object.keys(value),
      canonical: same(cbor.encode(value), bytes),
      root: value.DealDataRoot.toString(),
      piece: value.ClientDealProposal[0][0].toString(),
      url: JSON.parse(Buffer.from(value.Transfer.Params).toString()).URL,
      message
    })
    await reply(stream, { Accepted: message === '', Message: message })
  },
  '/fil/storage/status/1.2.0': async (stream) => {
    const { value } = await item(stream)
    const deal = deals.get(hex(value.DealUUID))
    const told = { DealUUID: value.DealUUID, Error: '', DealStatus: null, IsOffline: false, TransferSize: 0, NBytesReceived: 0 }
    if (deal === undefined) {
      told.Error = `no storage deal found with deal UUID ${hex(value.DealUUID)}`
    } else if (!signed(deal.ClientDealProposal[0][3], value.DealUUID, value.Signature)) {
      told.Error = 'signature verification failed'
    } else {
      told.TransferSize = deal.Transfer.Size
      told.NBytesReceived = deal.Transfer.Size
      told.DealStatus = {
        Error: '',
        Status: 'PublishConfirmed',
        Proposal: deal.ClientDealProposal[0],
        PublishCid: deal.DealDataRoot,
        ChainDealID: 4711,
        SealingStatus: 'PreCommit1',
        SignedProposalCid: deal.DealDataRoot
      }
    }
    await reply(stream, told)
  },
  '/fil/storage/ask/1.1.0': async (stream) => {
    const { value } = await item(stream)
    const ask = {
      Price: token(price),
      VerifiedPrice: token(0n),
      MinPieceSize: 256,
      MaxPieceSize: 34359738368,
      Miner: miner,
      Timestamp: 12,
      Expiry: 3456,
      SeqNo: 7
    }
    await reply(stream, { Ask: same(value.Miner, miner) ? { Ask: ask, Signature: null } : null })
  },
  '/fil/retrieval/transports/1.0.0': async (stream) => {
    const address = Uint8Array.from([0x04, 127, 0, 0, 1, 0x06, 0x1f, 0x90])
    await reply(stream, { Protocols: [{ Name: 'http', Addresses: [address] }] })
  }
}

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] },
  transports: [tcp(), webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), ping: ping() },
  nodeInfo: { userAgent: 'js-provider/1.0.0' }
})
for (const [protocol, handler] of Object.entries(handlers)) {
  await node.handle(protocol, (stream) => handler(stream).catch((cause) => say({ error: String(cause) })))
}
node.addEventListener('peer:identify', ({ detail }) => {
  say({ agent: detail.agentVersion, protocols: detail.protocols })
})
say({ peer: node.peerId.toString(), listens: node.getMultiaddrs().map(String) })

// Who started it holds the other end: without it, there is nothing to do.
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
