/**
 * The name a profile's endpoint gets in a client's configuration. The product's name is always
 * part of it, so that a profile called `github` never replaces a server the user already has.
 */
export function clientEntryName(profile: string): string {
  return profile === 'default' ? 'sallyport' : `sallyport-${profile}`
}
