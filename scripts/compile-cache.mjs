// Keeps what Node makes of our sources and those of packages (types taken out, code compiled) from one
// run to the next: a third of a start, and 20 MiB of the compiler that is then not loaded. Not TypeScript
// itself, as that would load it. Where the folder cannot be written, nothing is kept.
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/sallyport'))
