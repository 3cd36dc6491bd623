/** What a program for CI prints: a line per check, and at the end what `.ci/run` counts. */
export interface Checklist {
  check(name: string, passed: boolean, details?: string): void
  /** What cannot be tried here counts neither way. */
  skip(name: string, reason: string): void
  /** Prints `e2e NAME: PASSED/TOTAL`; true when nothing failed. */
  finish(): boolean
}

export function createChecklist(
  name: string,
  { needs, print }: { needs: string; print: (line: string) => void },
): Checklist {
  let passed = 0
  let total = 0
  print(`e2e ${name} needs ${needs}`)
  const printDetails = (text: string) => print(text.trim().replace(/^/gm, '     '))
  return {
    check(what, isGood, details = '') {
      total += 1
      if (isGood) passed += 1
      print(`${isGood ? 'ok  ' : 'FAIL'} ${what}`)
      if (!isGood && details.trim() !== '') printDetails(details)
    },
    skip(what, reason) {
      print(`skip ${what}`)
      printDetails(reason)
    },
    finish() {
      if (total === 0) print(`e2e ${name} was skipped`)
      print(`e2e ${name}: ${passed}/${total}`)
      return passed === total
    },
  }
}
