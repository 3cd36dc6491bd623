/** Organization in the subject of every authority we create; tells them from other roots. */
export const authorityName = 'Sallyport local CA'
