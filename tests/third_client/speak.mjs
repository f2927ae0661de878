// Lets a test speak through mtcute: JSON lines over TCP on loopback, one connection a test.
//
// Says {"port": …} on standard output and ends with its standard input. A command is
// {"id", "do", "client", …}; its answer {"id", "result"} or {"id", "error": {"name", "code", "message"}}.
// What a client hears in between is {"client", "update"}. The clients of a connection end with it.
// In both directions a 64-bit number is {"$long": "1"} and bytes are {"$bytes": base64}.
import { createHash } from 'node:crypto'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'

import { Long } from '@mtcute/node'

import { makeClient } from './client.mjs'

// mtcute's log belongs to the standard error.
console.log = console.error

/** JSON into what mtcute takes. */
function revive(value) {
  if (Array.isArray(value)) return value.map(revive)
  if (value === null || typeof value !== 'object') return value
  if ('$long' in value) return Long.fromString(value.$long)
  if ('$bytes' in value) return new Uint8Array(Buffer.from(value.$bytes, 'base64'))
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revive(inner)]))
}

/** What mtcute answers into JSON; of its own classes the object of Telegram's inside. */
function flatten(value) {
  if (value === null || value === undefined) return null
  if (Array.isArray(value)) return value.map(flatten)
  if (typeof value !== 'object') return value
  if (Long.isLong(value)) return { $long: value.toSigned().toString() }
  if (ArrayBuffer.isView(value)) return { $bytes: Buffer.from(value).toString('base64') }
  if (value.raw !== undefined) return flatten(value.raw)
  return Object.fromEntries(
    Object.entries(value).filter(([, inner]) => inner !== undefined).map(([key, inner]) => [key, flatten(inner)]),
  )
}

/** The commands of one connection. */
class Table {
  constructor(say) {
    this.say = say
    this.clients = new Map()
  }

  async connect({ client: name, options }) {
    const client = await makeClient(options)
    this.clients.set(name, client)
    client.onError.add((error) => console.error(`[${name}]`, error))
    await client.connect()
  }

  /** Reports updates from now on, in the order that mtcute brings them into. */
  async listen({ client: name }) {
    const client = this.clients.get(name)
    client.onRawUpdate.add(({ update }) => this.say({ client: name, update: flatten(update) }))
    await client.startUpdatesLoop()
  }

  /** A request of Telegram's by its name. */
  async call({ client, request, options }) {
    return this.clients.get(client).call(request, options)
  }

  /** A method of mtcute's own. */
  async run({ client, method, args }) {
    return this.clients.get(client)[method](...args)
  }

  /** What an iterator of mtcute's own goes through. */
  async iterate({ client, method, args }) {
    const found = []
    for await (const item of this.clients.get(client)[method](...args)) found.push(flatten(item))
    return found
  }

  /** A login by QR code: the link is heard, the answer is who logged in. */
  async show({ client: name }) {
    const onUrlUpdated = (url) => this.say({ client: name, update: { url } })
    return this.clients.get(name).signInQr({ onUrlUpdated })
  }

  /** mtcute's download, as its size and digest. */
  async download({ client, location, options }) {
    const digest = createHash('sha256')
    let size = 0
    for await (const chunk of this.clients.get(client).downloadAsIterable(location, options)) {
      digest.update(chunk)
      size += chunk.length
    }
    return { size, sha256: digest.digest('hex') }
  }

  /**
   * mtcute's download stream into its upload, one part at a time over one connection: with more under way (which
   * is how it comes, where it knows the size) parts that wait for the stream change places, and so does the file's
   * content. Seen in 0.30.3: a part takes its number before it takes its turn, and its lock lets others pass.
   */
  async copy({ client: name, location, options }) {
    const client = this.clients.get(name)
    const file = client.downloadAsStream(location, options)
    return client.uploadFile({ file, fileSize: options.fileSize, fileName: 'copy.bin', requestsPerConnection: 1 })
  }

  async close({ client }) {
    await this.clients.get(client).destroy()
    this.clients.delete(client)
  }

  async end() {
    await Promise.allSettled([...this.clients.values()].map((client) => client.destroy()))
  }
}

const COMMANDS = new Set(['connect', 'listen', 'call', 'run', 'iterate', 'show', 'download', 'copy', 'close'])

function serve(socket) {
  const say = (line) => socket.writable && socket.write(`${JSON.stringify(line)}\n`)
  const table = new Table(say)
  socket.on('error', () => {})
  const lines = createInterface({ input: socket })
  // A test that was cut short closes without a word.
  lines.on('error', () => {})
  lines.on('close', () => void table.end())
  lines.on('line', async (line) => {
    const { id, do: command, ...rest } = JSON.parse(line)
    try {
      if (!COMMANDS.has(command)) throw new Error(`no command ${command}`)
      say({ id, result: flatten(await table[command](revive(rest))) })
    } catch (error) {
      const { name, code, message } = error
      say({ id, error: { name: error.constructor.name ?? name, code: code ?? 0, message } })
    }
  })
}

process.on('unhandledRejection', (error) => console.error('unhandled rejection:', error))
process.stdin.resume().on('end', () => process.exit())
const server = createServer(serve)
server.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`))
