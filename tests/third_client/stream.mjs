// Moves one file from Telegram to Telegram for the benchmark: mtcute's download stream into its upload.
//
// `node stream.mjs '{…}'`: the job of bench/contenders.py. Prints what that took as one JSON line. With "ordered"
// one part is under way at a time; as it comes it has twelve, of which some change places (see speak.mjs).
import { readFileSync } from 'node:fs'

import { Long } from '@mtcute/node'

import { makeClient } from './client.mjs'

// mtcute's log belongs to the standard error.
console.log = console.error

const PART_KIB = 512

function peakMegabytes() {
  const [, kib] = readFileSync('/proc/self/status', 'utf8').match(/^VmHWM:\s+(\d+)/m)
  return (Number(kib) * 1024) / 1e6
}

const job = JSON.parse(process.argv[2])
const { login, document } = job
const client = await makeClient({
  where: { dc: login.dc_id, host: login.host, port: login.port, publicKey: job.public_key },
  login: { key: new Uint8Array(Buffer.from(login.key, 'hex')), account: job.account },
  updates: false,
  // The peer allows more main sessions than anyone should open.
  connections: { main: 1, ...(job.ordered ? { upload: 1 } : {}) },
})
await client.connect()
// Its connections for files are there before the clock runs, as those of the others are: a call for each.
for (const kind of ['download', 'upload']) {
  const count = await client.getPoolSize(kind)
  await Promise.all(Array.from({ length: count }, () => client.call({ _: 'help.getConfig' }, { kind })))
}
const location = {
  _: 'inputDocumentFileLocation',
  id: Long.fromString(document.id),
  accessHash: Long.fromString(document.access_hash),
  fileReference: new Uint8Array(Buffer.from(document.file_reference, 'hex')),
  thumbSize: '',
}

const before = peakMegabytes()
const cpu = process.cpuUsage()
const began = performance.now()
const file = client.downloadAsStream(location, { fileSize: document.size, dcId: document.dc_id, partSize: PART_KIB })
await client.uploadFile({
  file,
  fileSize: document.size,
  fileName: 'copy.bin',
  partSize: PART_KIB,
  requestsPerConnection: job.ordered ? 1 : undefined,
})
const seconds = (performance.now() - began) / 1000
const used = process.cpuUsage(cpu)

process.stdout.write(`${JSON.stringify({
  seconds,
  cpu: (used.user + used.system) / 1e6,
  rss_before_mb: before,
  peak_rss_mb: peakMegabytes(),
})}\n`)
process.exit(0)
