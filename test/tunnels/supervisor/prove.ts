/** Stands in for the keyed hash of the gateway. */
export function proveFake(challenge: string): string {
  return `proof of ${challenge}`
}
