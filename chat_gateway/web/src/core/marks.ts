// Which boxes of a form a refusal is about, and the sentence to say at each.

import type { ApiError } from './errors'

/** Refusals that are about one field, whether the answer names it or not. */
const ABOUT: Readonly<Record<string, string>> = {
  wrong_password: 'password',
  email_taken: 'email',
  invalid_email: 'email',
  password_too_short: 'password',
  password_too_long: 'password',
  password_too_common: 'password',
}
/** Of a decoder, which speaks to programmers. */
const TECHNICAL = /^(?:Expected|Invalid|Object|Input)\b/

/** The marks by box. `labelOf` is undefined for what is no box of the form: it gets no mark. */
export function marksOf(
  error: ApiError,
  boxOf: (field: string) => string,
  labelOf: (box: string) => string | undefined,
): Record<string, string> {
  const marks: Record<string, string> = {}
  const named = namedBy(error)
  for (const [field, words] of named) {
    const box = boxOf(field)
    const label = labelOf(box)
    if (label === undefined) continue
    const isAll = named.length === 1 && error.code !== 'invalid_request'
    marks[box] = isAll ? error.message : sentenceOf(label, words)
  }
  return marks
}

function namedBy({ code, fields }: ApiError): [string, string][] {
  const named = Object.entries(fields)
  const about = ABOUT[code]
  return named.length === 0 && about !== undefined ? [[about, '']] : named
}

/** The server's words follow the field's name: "takes 128 characters or fewer". */
function sentenceOf(label: string, words: string): string {
  if (words === '' || TECHNICAL.test(words)) return `${label}: this is not accepted. Please look at it again.`
  const said = /^\p{Ll}/u.test(words) ? `${label} ${words}` : words
  return /[.!?]$/.test(said) ? said : `${said}.`
}
