// Times as people read them, in the reader's own language and zone.

const TIME = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' })
const DAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
const DAY_OF_YEAR = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' })
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })

export function timeOf(at: number): string {
  return TIME.format(at)
}

export function fullTimeOf(at: number): string {
  return FULL.format(at)
}

/** Names a local day: equal for two times exactly if they fall on the same one. */
export function dayOf(at: number): string {
  const date = new Date(at)
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`
}

export function dayName(at: number, now: number): string {
  if (dayOf(at) === dayOf(now)) return 'Today'
  const yesterday = new Date(now)
  yesterday.setDate(yesterday.getDate() - 1)
  if (dayOf(at) === dayOf(yesterday.getTime())) return 'Yesterday'
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear()
  return (sameYear ? DAY : DAY_OF_YEAR).format(at)
}

/** "Today, 14:03" */
export function momentOf(at: number, now: number): string {
  return `${dayName(at, now)}, ${timeOf(at)}`
}

/** "1 minute 5 seconds"; what is begun counts as a whole second. */
export function spanOf(seconds: number): string {
  const whole = Math.ceil(seconds)
  const parts = [counted(Math.floor(whole / 60), 'minute'), counted(whole % 60, 'second')]
  return parts.filter(Boolean).join(' ') || '0 seconds'
}

function counted(count: number, unit: string): string {
  if (count === 0) return ''
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
