/**
 * Has the process end by `process.exit()` where it comes to its end by itself; to be called last of all that listens to that. Node
 * 24.21 takes down what is left of handles there (`Environment::CleanupHandles`), and now and then turns in it for ever, at a full
 * core and out of the reach of timers, signals and debuggers.
 */
export function leaveAtOnce(): void {
  process.once('exit', () => process.exit());
}
