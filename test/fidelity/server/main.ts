import { serveStdio } from './carriers.ts'
import { script } from './script.ts'

// `node main.ts legacy|modern`: the scripted server over stdio
serveStdio(process.argv[2] === 'modern' ? 'modern' : 'legacy', script)
