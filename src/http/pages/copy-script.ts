import { createHash } from 'node:crypto'

/**
 * Makes the copy buttons work, and shows them: without script, or without a clipboard, there are
 * none. Its hash is in the content security policy of the page that has it.
 */
export const copyScript = `
if (navigator.clipboard) for (const button of document.querySelectorAll('button[data-copy]')) {
  const label = button.textContent
  button.hidden = false
  button.addEventListener('click', async () => {
    const source = document.getElementById(button.dataset.copy)
    button.textContent = await navigator.clipboard.writeText(source.textContent)
      .then(() => 'Copied', () => 'Select it by hand')
    setTimeout(() => { button.textContent = label }, 2000)
  })
}
`

export const copyScriptHash = createHash('sha256').update(copyScript).digest('base64')
