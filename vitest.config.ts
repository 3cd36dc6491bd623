import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/setup/whole-run.ts'],
    setupFiles: ['test/setup/each-file.ts'],
    // A green run prints its summary; a test that fails shows what was printed while it ran.
    reporters: ['minimal'],
    experimental: { diagnostics: false },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One more than there are cores: now and then a test waits for a program or a clock.
    maxWorkers: availableParallelism() + 1,
    // Files share processes, so that nothing is loaded anew for each of them.
    isolate: false,
    // A process that is small starts another in a third of the time: what is young goes early.
    execArgv: ['--max-semi-space-size=4'],
    // Deadlines are for what never happens; a busy machine is slow.
    expect: { poll: { timeout: 60_000, interval: 25 } },
  },
})
