/** How often one who waits for a slow answer hears that the server is still there. */
const beatMs = 5000;

/**
 * Waits for what a server does without a word, such as to write its memory to its disk or to read a whole file.
 * @param onBeat called now and then; a server that goes mute ends the connection, and with it the wait.
 */
export async function whileAlive<T>(onBeat: () => void, answer: Promise<T>): Promise<T> {
  const timer = setInterval(onBeat, beatMs);
  try {
    return await answer;
  } finally {
    clearInterval(timer);
  }
}
