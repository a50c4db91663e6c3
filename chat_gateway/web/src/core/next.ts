// Where to go after the log-in: a path of this site, or the front page.
// Stops the open redirect: `next` comes from the address, so anybody can write it.

const HOME = '/'
const ENTRANCES = ['/login', '/register', '/setup', '/reset']

export function localPath(raw: unknown, origin: string): string {
  if (typeof raw !== 'string' || !/^\/(?![/\\])/.test(raw)) return HOME
  if (!URL.canParse(raw, origin)) return HOME
  const url = new URL(raw, origin)
  // "/.//host" passes the first look and only turns into "//host" when it is resolved.
  if (url.origin !== origin || url.pathname.startsWith('//')) return HOME
  if (ENTRANCES.includes(url.pathname)) return HOME
  return url.pathname + url.search + url.hash
}
