// When another try is worth it at once: the network is back, or the page is looked at again. Told as
// the `online` and `offline` the library listens to: an `online` ends its back-off, and does nothing
// while it is connected or dialling. At most one a second; the last one is late, never lost.

const QUIET_MS = 1000

export function networkOf(page: Window): EventTarget {
  const network = new EventTarget()
  let quiet = false
  let wanted = false

  function wake(): void {
    // Not yet: the `online` that follows is the one that counts.
    if (!page.navigator.onLine) return
    wanted = quiet
    if (quiet) return
    quiet = true
    setTimeout(() => {
      quiet = false
      if (wanted) wake()
    }, QUIET_MS)
    network.dispatchEvent(new Event('online'))
  }

  page.addEventListener('online', wake)
  page.addEventListener('offline', () => network.dispatchEvent(new Event('offline')))
  page.document.addEventListener('visibilitychange', () => {
    if (page.document.visibilityState === 'visible') wake()
  })
  return network
}
