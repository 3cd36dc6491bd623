// What `pnpm dev:https` runs: `sallyport dev` with the arguments that follow.
import './compile-cache.mjs'

const { main } = await import('../src/cli/main.ts')
// `pnpm dev:https -- --port 4000`, as npm wants it, hands the dashes on.
await main(['dev', ...process.argv.slice(2).filter((argument) => argument !== '--')])
