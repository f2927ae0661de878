// An unmodified mtcute client, pointed at the local Telegram: it knows the server by its key and its address.
import {
  IntermediatePacketCodec, MemoryStorage, ObfuscatedPacketCodec, PaddedIntermediatePacketCodec, TcpTransport,
  TelegramClient,
} from '@mtcute/node'
import { NodeCryptoProvider, addPublicKey } from '@mtcute/node/utils.js'

const API_ID = 12345
const API_HASH = '0123456789abcdef0123456789abcdef'

const FRAMINGS = {
  intermediate: () => new IntermediatePacketCodec(),
  'padded intermediate': () => new PaddedIntermediatePacketCodec(),
  'obfuscated intermediate': () => new ObfuscatedPacketCodec(new IntermediatePacketCodec()),
  'obfuscated padded intermediate': () => new ObfuscatedPacketCodec(new PaddedIntermediatePacketCodec()),
}

const crypto = new NodeCryptoProvider()

// How many connections it keeps of each kind, left to itself, for an account without Premium; of the main kind as
// many as the server's configuration says.
const CONNECTIONS = { main: 0, upload: 4, download: 2, downloadSmall: 2 }

/**
 * Makes a client that is not connected yet.
 *
 * `where` is the server: { dc, host, port, media, publicKey }; `media` is its port for files, where it has one.
 * `login` is a session that exists already, as { key, account, bot }; without it the client begins with a key
 * exchange. `framing` is a name of FRAMINGS. `patient`: whether it waits for floods and repeats what the server
 * failed in, as it comes. `connections`: how many of a kind, where that is not to be its own choice.
 */
export async function makeClient({
  where, login, framing = 'intermediate', patient = true, updates = true, connections = {},
}) {
  addPublicKey(crypto, where.publicKey)
  const transport = new TcpTransport()
  transport.packetCodec = FRAMINGS[framing]
  const main = { id: where.dc, ipAddress: where.host, port: where.port }
  const dcs = { main, media: where.media ? { ...main, port: where.media, mediaOnly: true } : main }
  const client = new TelegramClient({
    apiId: API_ID,
    apiHash: API_HASH,
    storage: new MemoryStorage(),
    defaultDcs: dcs,
    transport,
    disableUpdates: !updates,
    network: {
      ...(patient ? {} : { middlewares: [] }),
      connectionCount: (kind) => connections[kind] ?? CONNECTIONS[kind],
    },
  })
  if (login) {
    await client.importSession({
      version: 3,
      primaryDcs: dcs,
      authKey: login.key,
      self: { userId: login.account, isBot: Boolean(login.bot), isPremium: false, usernames: [] },
    })
  }
  return client
}
