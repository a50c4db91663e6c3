import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

const SERVER = 'http://localhost:8080'
// The server lists the origins it accepts; the development server is not among them.
const proxied = { target: SERVER, headers: { origin: SERVER } }

export default defineConfig({
  plugins: [vue()],
  build: {
    // A data: address is not "self": the content security policy would refuse an inlined asset.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      '/auth': proxied,
      '/.well-known': proxied,
      '/api': proxied,
      '/connection': { ...proxied, ws: true },
    },
  },
  test: { include: ['src/**/*.test.ts'] },
})
