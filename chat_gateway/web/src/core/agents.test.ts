import { expect, test } from 'vitest'

import { agentName } from './agents'

const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)'

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0', 'Firefox on Linux'],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/131.0.0.0 Safari/537.36`, 'Chrome on Windows'],
  [`Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} HeadlessChrome/131.0.0.0 Safari/537.36`, 'Chrome on Linux'],
  [`Mozilla/5.0 (Windows NT 10.0) ${WEBKIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0`, 'Edge on Windows'],
  [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${WEBKIT} Chrome/131.0.0.0 Safari/537.36 OPR/116.0`, 'Opera on ChromeOS'],
  [`Mozilla/5.0 (Linux; Android 14; SM-S921B) ${WEBKIT} SamsungBrowser/26.0 Chrome/122.0 Mobile`, 'Samsung Internet on Android'],
  ['Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0', 'Firefox on Android'],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
    'Safari on macOS',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0 Mobile Safari/604.1',
    'Chrome on iPhone',
  ],
  ['Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Safari/604.1', 'Safari on iPad'],
])('a browser is named as people name it: %s', (userAgent, name) => {
  expect(agentName(userAgent)).toBe(name)
})

test.each([
  ['curl/8.5.0', 'curl'],
  ['python-requests', 'python-requests'],
  ['Python/3.11 aiohttp/3.9.1', 'Python'],
])('a program has its own name: %s', (userAgent, name) => {
  expect(agentName(userAgent)).toBe(name)
})

test.each([
  ['', 'Unknown device'],
  ['Mozilla/5.0', 'Unknown device'],
  ['<b>me</b>', 'Unknown device'],
  ['x'.repeat(400), 'Unknown device'],
  ['Mozilla/5.0 (X11; Linux x86_64) Strange/1.0', 'A browser on Linux'],
])('what says nothing known gets no name of its own: %s', (userAgent, name) => {
  expect(agentName(userAgent)).toBe(name)
})
