/** One after the other, in the order of asking. A task that fails does not hold up the next. */
export class Mutex {
  private last: Promise<unknown> = Promise.resolve()

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.last.then(task, task)
    this.last = result.catch(() => undefined)
    return result
  }
}
