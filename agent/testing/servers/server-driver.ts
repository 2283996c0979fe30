/**
 * Starts a server as tests do, says so, and waits to be killed.
 *
 *     server-driver PORT MARK [held]
 *
 * MARK stands in the command lines of the server and of what it left behind in a session of its own. `held`: the server stands still by then.
 */
import { startServer } from './server-process.ts';

const [port = '', mark = '', state] = process.argv.slice(2);
const listen = 'require("node:net").createServer((socket) => socket.destroy()).listen(process.argv[1], "127.0.0.1")';
const script = 'setsid sh -c "sleep 600; :" "$2" & exec node -e "$0" "$1" "$2"';

const server = await startServer({ argv: ['sh', '-c', script, listen, port, mark], port: Number(port) });
if (state === 'held') server.hold();
console.log('started');
setInterval(() => undefined, 60_000);
