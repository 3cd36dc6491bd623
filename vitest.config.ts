import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // One fewer by default, which on two cores leaves one idle: most tests wait for programs.
    maxWorkers: '100%',
    // Deadlines are for what never happens; a busy machine is slow.
    expect: { poll: { timeout: 10_000, interval: 25 } },
  },
})
