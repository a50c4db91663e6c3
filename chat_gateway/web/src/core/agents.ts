// What a session was started with, in words people use. A guess by what browsers say of themselves:
// anybody can send anything, so it is shown as text and decides nothing.

type Names = readonly (readonly [RegExp, string])[]

// Each browser also names those it wants to be taken for: the most particular comes first.
const BROWSERS: Names = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|OPiOS)\//, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:HeadlessChrome|Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'Safari'],
]

const SYSTEMS: Names = [
  [/\bAndroid\b/, 'Android'],
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
]

/** "Firefox on Linux"; of a program its name, like "curl". */
export function agentName(userAgent: string): string {
  const system = named(SYSTEMS, userAgent)
  const browser = named(BROWSERS, userAgent) ?? program(userAgent)
  if (browser === undefined) return system === undefined ? 'Unknown device' : `A browser on ${system}`
  return system === undefined ? browser : `${browser} on ${system}`
}

function named(names: Names, userAgent: string): string | undefined {
  return names.find(([sign]) => sign.test(userAgent))?.[1]
}

/** Every browser claims to be Mozilla; that tells nothing. */
function program(userAgent: string): string | undefined {
  const name = /^[\w.-]{1,32}(?=[/ ]|$)/.exec(userAgent)?.[0]
  return name === 'Mozilla' ? undefined : name
}
