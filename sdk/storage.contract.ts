import assert from 'node:assert/strict'
import test from 'node:test'
import type { DeviceStorage } from './types.ts'

/** What every storage promises. `again` opens another one on the same data, as a restarted app does. */
export function storageContract(
  name: string,
  open: () => Promise<{ storage: DeviceStorage; again(): DeviceStorage }>,
): void {
  test(`${name}: what was written is read back, also by the next client`, async () => {
    const { storage, again } = await open()
    const value = { text: 'سلام 👋\u2028', list: [1, 2.5, true], deep: { empty: '' } }
    await storage.write([
      ['a', value],
      ['b', 'two'],
    ])
    assert.deepEqual(await storage.get('a'), value)
    await storage.close()
    const next = again()
    assert.deepEqual(await next.get('a'), value)
    assert.deepEqual(await next.list(''), [
      ['a', value],
      ['b', 'two'],
    ])
    await next.close()
  })

  test(`${name}: what was never written, or was deleted, is undefined`, async () => {
    const { storage, again } = await open()
    await storage.write([['a', 1]])
    await storage.write([['a', undefined]])
    assert.equal(await storage.get('a'), undefined)
    assert.equal(await storage.get('never'), undefined)
    await storage.close()
    const next = again()
    assert.equal(await next.get('a'), undefined)
    await next.close()
  })

  test(`${name}: a list has the keys with the prefix and no others, in order`, async () => {
    const { storage } = await open()
    await storage.write([
      ['m/2', 'c'],
      ['m/10', 'b'],
      ['m/1', 'a'],
      ['m', 'no'],
      ['n/1', 'no'],
    ])
    assert.deepEqual(await storage.list('m/'), [
      ['m/1', 'a'],
      ['m/10', 'b'],
      ['m/2', 'c'],
    ])
    await storage.close()
  })

  test(`${name}: a write that cannot be kept whole is not kept at all`, async () => {
    const { storage } = await open()
    await storage.write([['a', 'before']])
    const unkeepable = {
      get value() {
        throw new Error('cannot be kept')
      },
    }
    await assert.rejects(
      storage.write([
        ['a', 'after'],
        ['b', unkeepable],
      ]),
    )
    assert.equal(await storage.get('a'), 'before')
    await storage.write([['c', 'goes on']])
    assert.equal(await storage.get('c'), 'goes on')
    await storage.close()
  })

  test(`${name}: writes made at once are all kept, the last one winning`, async () => {
    const { storage, again } = await open()
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        storage.write([
          [`k/${n}`, n],
          ['last', n],
        ]),
      ),
    )
    assert.equal((await storage.list('k/')).length, 50)
    await storage.close()
    const next = again()
    assert.equal((await next.list('k/')).length, 50)
    assert.equal(await next.get('last'), 49)
    await next.close()
  })

  test(`${name}: clearing forgets everything, for good`, async () => {
    const { storage, again } = await open()
    await storage.write([['a', 1]])
    await storage.clear()
    assert.deepEqual(await storage.list(''), [])
    await storage.close()
    const next = again()
    assert.deepEqual(await next.list(''), [])
    await next.close()
  })

  test(`${name}: changing a value after writing or reading it changes nothing that is kept`, async () => {
    const { storage } = await open()
    const value = { n: 1 }
    await storage.write([['a', value]])
    value.n = 2
    const read = (await storage.get('a')) as { n: number }
    assert.equal(read.n, 1)
    read.n = 3
    assert.deepEqual(await storage.get('a'), { n: 1 })
    await storage.close()
  })
}
