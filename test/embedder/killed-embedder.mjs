/** An embedder that is killed while its program waits for it: argument 1 is the image. Its own standard error is the program's. */

import { spawn } from 'node:child_process';

const child = spawn(process.argv[2], [], {
  env: { WAGSNAP_EMBEDDER: '3' },
  stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
});
const socket = child.stdio[3];
socket.once('data', () => {
  const welcome = Buffer.alloc(32);
  welcome.writeUInt32LE(16, 0);
  welcome.writeUInt32LE(24, 4);
  welcome.writeUInt32LE(1, 8);
  socket.write(welcome);
  // the hello may come in two pieces; a call has the kind 2
  socket.on('data', (data) => {
    if (data.readUInt32LE(0) === 2) process.kill(process.pid, 'SIGKILL');
  });
});
