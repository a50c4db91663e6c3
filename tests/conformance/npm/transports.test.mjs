// npm `centrifuge` over every transport and encoding, against the servers named by PARLEY_ADDRESSES: the first of two
// clients is at the first of them, the other at the last, and what a stream's client sends up goes to the one it is not
// at. Run by test_npm_sdk.py, from the client's folder, so that it is the version the client is built with.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

const from = createRequire(pathToFileURL(`${process.cwd()}/package.json`))
const { Centrifuge: Json } = from('centrifuge')
const { Centrifuge: Protobuf } = from('centrifuge/build/protobuf')

const addresses = process.env.PARLEY_ADDRESSES.split(',')
const [HERE, THERE] = [0, addresses.length - 1]
const encode = (text) => new TextEncoder().encode(text)
const decode = (bytes) => new TextDecoder().decode(bytes)

const VARIANTS = [
  { name: 'websocket, JSON', Client: Json, transport: 'websocket', binary: false },
  { name: 'websocket, Protobuf', Client: Protobuf, transport: 'websocket', binary: true },
  { name: 'http_stream, JSON', Client: Json, transport: 'http_stream', binary: false },
  { name: 'http_stream, Protobuf', Client: Protobuf, transport: 'http_stream', binary: true },
  { name: 'sse, JSON', Client: Json, transport: 'sse', binary: false },
]

function open({ Client, transport }, place = HERE, options = {}) {
  const scheme = transport === 'websocket' ? 'ws' : 'http'
  const endpoints = [{ transport, endpoint: `${scheme}://${addresses[place]}/connection/${transport}` }]
  const emulationEndpoint = `http://${addresses[place === HERE ? THERE : HERE]}/emulation`
  return new Client(endpoints, { emulationEndpoint, minReconnectDelay: 10, ...options })
}

const wrap = ({ binary }, value) => (binary ? encode(JSON.stringify(value)) : value)
const unwrap = ({ binary }, data) => (binary ? JSON.parse(decode(data)) : data)
const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve))

async function connected(variant, place) {
  const client = open(variant, place)
  const context = once(client, 'connected')
  client.connect()
  const { client: id, transport } = await context
  assert.ok(id)
  assert.equal(transport, variant.transport)
  return client
}

async function ended(...clients) {
  await Promise.all(
    clients.map((client) => {
      const gone = once(client, 'disconnected')
      client.disconnect()
      return gone
    }),
  )
}

for (const variant of VARIANTS) {
  test(`${variant.name}: what one publishes reaches the other in order, and history has it`, async () => {
    const channel = `news-${randomUUID()}`
    const [writer, reader] = [await connected(variant), await connected(variant, THERE)]
    const subscription = reader.newSubscription(channel)
    const seen = []
    const all = new Promise((resolve) => {
      subscription.on('publication', ({ data, offset }) => {
        seen.push([offset, unwrap(variant, data)])
        if (seen.length === 3) resolve()
      })
    })
    subscription.subscribe()
    await subscription.ready(5_000)
    for (const number of [1, 2, 3]) await writer.publish(channel, wrap(variant, { number, text: '東京 👋' }))
    await all
    assert.deepEqual(
      seen,
      [1, 2, 3].map((number) => [number, { number, text: '東京 👋' }]),
    )
    const page = await reader.history(channel, { limit: 2, since: { offset: 1, epoch: '' } })
    assert.deepEqual(
      page.publications.map(({ offset }) => offset),
      [2, 3],
    )
    const { clients } = await subscription.presence()
    assert.equal(Object.keys(clients).length, 1)
    const stats = await reader.presenceStats(channel)
    assert.deepEqual([stats.numClients, stats.numUsers], [1, 1])
    await ended(writer, reader)
  })

  test(`${variant.name}: joins and leaves are told`, async () => {
    const channel = `room-${randomUUID()}`
    const [first, second] = [await connected(variant), await connected(variant, THERE)]
    const [watching, visiting] = [first.newSubscription(channel), second.newSubscription(channel)]
    const own = once(watching, 'join')
    watching.subscribe()
    await own
    const come = once(watching, 'join')
    visiting.subscribe()
    assert.ok((await come).info.client)
    for (const client of [first, second]) {
      const { numClients } = await client.presenceStats(channel)
      assert.equal(numClients, 2)
    }
    const gone = once(watching, 'leave')
    visiting.unsubscribe()
    assert.ok((await gone).info.client)
    await ended(first, second)
  })

  test(`${variant.name}: who was away gets what was missed, once and in order`, async () => {
    const channel = `recovery:${randomUUID()}`
    const [writer, reader] = [await connected(variant), await connected(variant, THERE)]
    const subscription = reader.newSubscription(channel)
    const offsets = []
    subscription.on('publication', ({ offset }) => offsets.push(offset))
    subscription.subscribe()
    await subscription.ready(5_000)
    await writer.publish(channel, wrap(variant, {}))
    while (offsets.length < 1) await once(subscription, 'publication')
    await ended(reader)
    for (let count = 0; count < 10; count += 1) await writer.publish(channel, wrap(variant, { count }))
    const again = once(subscription, 'subscribed')
    reader.connect()
    const context = await again
    assert.ok(context.wasRecovering && context.recovered)
    while (offsets.length < 11) await once(subscription, 'publication')
    assert.deepEqual(
      offsets,
      Array.from({ length: 11 }, (_, index) => index + 1),
    )
    await ended(writer, reader)
  })

  test(`${variant.name}: a refusal has its code and a message`, async () => {
    const client = await connected(variant)
    await assert.rejects(client.rpc('no.such.method', wrap(variant, {})), ({ code, message }) => code === 108 && !!message)
    await ended(client)
  })

  test(`${variant.name}: a bad token ends the connection for good`, async () => {
    const client = open(variant, HERE, { token: 'no.such.token' })
    const gone = once(client, 'disconnected')
    client.connect()
    assert.equal((await gone).code, 3500)
  })
}
