// Waits until a condition holds, letting timers and promises run; fails after a bounded number of turns.

const TURNS = 400

export async function settled(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) {
    if (holds()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error('it never came to be')
}
