import type { Output } from './output.ts'

/** What every command is given of the world. */
export interface CommandWorld {
  readonly output: Output
  readonly process: NodeJS.Process
}
