// The picture of a person who has none: two letters on a colour that stays theirs.

import type { UserId } from './wire'

export const HUES = 10

export function hue(id: UserId): number {
  let hash = 2166136261
  for (const character of id) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619)
  return (hash >>> 0) % HUES
}

export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean)
  const first = Array.from(words[0] ?? '?')
  return ((first[0] ?? '?') + second(words, first)).toUpperCase()
}

/** Of one word its closing digit, if it has one: it is what tells "anna1" from "anna2". */
function second(words: readonly string[], first: readonly string[]): string {
  if (words.length > 1) return Array.from(words.at(-1) ?? '')[0] ?? ''
  const end = first.at(-1) ?? ''
  return first.length > 1 && /\d/u.test(end) ? end : (first[1] ?? '')
}
