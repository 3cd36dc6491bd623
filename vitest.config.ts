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
    // One fewer by default, which on two cores leaves one idle: most tests wait for programs.
    maxWorkers: '100%',
    // Files share processes, so that nothing is loaded anew for each of them.
    isolate: false,
    // Deadlines are for what never happens; a busy machine is slow.
    expect: { poll: { timeout: 60_000, interval: 25 } },
  },
})
