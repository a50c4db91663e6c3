// A message before it is sent: its limits, and what is left of it once trimmed.
// The server decides; this only spares the round trip.

export const MAX_CHARACTERS = 8000
const MAX_BYTES = 32 * 1024

/** Blank lines around the text and blanks at its end say nothing. */
export function trimmed(text: string): string {
  return text.replace(/^(?:[^\S\n]*\n)+/u, '').trimEnd()
}

/** Characters that still fit, negative when over; code points, as the server counts. */
export function remaining(text: string): number {
  const body = trimmed(text)
  const characters = MAX_CHARACTERS - Array.from(body).length
  const bytes = MAX_BYTES - new TextEncoder().encode(body).length
  return bytes < 0 ? Math.min(characters, bytes) : characters
}

export function mayBeSent(text: string): boolean {
  return trimmed(text) !== '' && remaining(text) >= 0
}
