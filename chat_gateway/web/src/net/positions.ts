// Leaves positions out of a connect command on its way to the socket. The library sends the position of
// every server-side subscription, with no way to choose; a connect that failed for being too much to
// answer would fail again. What was left out comes back with its head and `recovered` unset: a gap.

interface Connect {
  readonly subs?: Readonly<Record<string, object>>
}

/** `text` is what one send carries: commands, one a line. */
export function onlyPositions(text: string, wanted: (channel: string) => boolean): string {
  return text
    .split('\n')
    .map((line) => trimmed(line, wanted))
    .join('\n')
}

function trimmed(line: string, wanted: (channel: string) => boolean): string {
  const command = JSON.parse(line) as { connect?: Connect }
  const { connect } = command
  if (connect?.subs === undefined) return line
  const subs = Object.fromEntries(Object.entries(connect.subs).filter(([channel]) => wanted(channel)))
  return JSON.stringify({ ...command, connect: { ...connect, subs } })
}

/** A class for the library's `websocket` option: its first send of each socket, the connect, goes through `rewrite`. */
export function rewritingConnect(base: typeof WebSocket, rewrite: (text: string) => string): typeof WebSocket {
  return class extends base {
    #connectSent = false

    override send(data: Parameters<WebSocket['send']>[0]): void {
      super.send(!this.#connectSent && typeof data === 'string' ? rewrite(data) : data)
      this.#connectSent = true
    }
  }
}
