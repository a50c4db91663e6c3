// A message before it is sent: its limits, and what is left of it once trimmed.
// The server decides; this only spares the round trip.

import type { TextLimits } from './wire'

/** The most a gateway may be set to take. One that does not tell its limits refuses what is above them. */
export const MOST: TextLimits = { characters: 16_000, bytes: 64 * 1024 }

/** Blank lines around the text and blanks at its end say nothing. */
export function trimmed(text: string): string {
  return text.replace(/^(?:[^\S\n]*\n)+/u, '').trimEnd()
}

/** Characters that still fit, negative when over; code points, as the server counts. */
export function remaining(text: string, limits: TextLimits): number {
  const body = trimmed(text)
  const characters = limits.characters - Array.from(body).length
  const bytes = limits.bytes - new TextEncoder().encode(body).length
  return bytes < 0 ? Math.min(characters, bytes) : characters
}

export function mayBeSent(text: string, limits: TextLimits): boolean {
  return trimmed(text) !== '' && remaining(text, limits) >= 0
}
