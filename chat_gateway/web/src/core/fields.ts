// Reads what a server sent, field by field: what is not as expected is a WireError.

export class WireError extends Error {
  override readonly name = 'WireError'
}

export type Fields = Readonly<Record<string, unknown>>

export function fields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WireError('an object was expected')
  }
  return value as Fields
}

export function text(from: Fields, key: string, fallback?: string): string {
  const value = from[key] ?? fallback
  if (typeof value !== 'string') throw new WireError(`${key} is not a text`)
  return value
}

export function number(from: Fields, key: string, fallback?: number): number {
  const value = from[key] ?? fallback
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new WireError(`${key} is not a number`)
  return value
}

export function list<T>(from: Fields, key: string, decode: (item: unknown) => T): T[] {
  const value = from[key]
  if (!Array.isArray(value)) throw new WireError(`${key} is not a list`)
  return value.map(decode)
}
