// Preloaded (`--import`) into every process that is measured, ours and others', so that it answers what
// it has used. No TypeScript: what strips types would count as memory of each.
process.on('message', (what) => {
  if (what !== 'cpu' && what !== 'memory') return
  if (what === 'memory') for (let round = 0; round < 3; round += 1) globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  process.send?.({ usage: { cpuMicros: user + system, rss: process.memoryUsage.rss() } })
})
// Being asked keeps nobody alive; whoever asked is gone when the channel is.
process.channel?.unref()
process.once('disconnect', () => process.exit(0))
