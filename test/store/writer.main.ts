import { countUp, openStoreAt } from './shared-store.ts'

// A second process on a store: `writer.main.ts <place> <name> <times>`.
const [place = '', name, times] = process.argv.slice(2)
const store = openStoreAt(place)
for (let n = 0; n < Number(times); n += 1) await countUp(store, `${name} ${n}`)
await store.close()
