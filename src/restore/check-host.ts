/**
 * Checks whether a snapshot's descriptors can be opened here and now: files and directories below preopened
 * directories, files given by path, addresses. Everything that is wrong is found before anything runs or is written,
 * and looking changes nothing.
 *
 * Follows paths as the image does (beneath.ts). These checks are for people: the image itself refuses what changes
 * between this check and its start (runtime/wasi/resume.ts).
 */

import { accessSync, type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, statSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { systemReason } from '../base/errors.js';
import { pathOfDescriptor } from '../base/path-descriptor.js';
import { factsThatDiffer, fileFacts, hashFile } from '../snapshot/file-facts.js';
import { isSameFile } from '../snapshot/file-identity.js';
import type { Descriptor, FileFacts } from '../snapshot/host.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import { canWalk, findBeneath, PathError } from './beneath.js';
import { type Grants, grantDescriptors, type Problem, quote, RestoreProblems } from './grants.js';

export interface HostChecks extends Grants {
  /** Whether a file that has changed since the capture is a problem instead of a warning. */
  readonly strictFiles?: boolean | undefined;
}

/**
 * @returns warnings: one line for each file that has changed since the capture
 * @throws RestoreProblems, which lists everything that is wrong
 */
export async function checkHost(stored: StoredSnapshot, checks: HostChecks): Promise<string[]> {
  const { descriptors, problems } = grantDescriptors(stored.snapshot.host.descriptors, checks);
  const check = new HostCheck(descriptors, checks, problems);
  await check.run();
  if (problems.length > 0) {
    throw new RestoreProblems(
      stored.path,
      problems.sort((a, b) => a.fd - b.fd),
    );
  }
  return check.warnings;
}

class HostCheck {
  readonly warnings: string[] = [];
  /** Preopens whose directories exist. */
  private readonly usable = new Map<number, Descriptor>();
  /** Those that are the same directories as at the capture, as far as this machine can know. */
  private readonly same = new Set<number>();
  /** Sockets bound to the addresses under check, so that two equal addresses are noticed. */
  private readonly servers: Server[] = [];

  constructor(
    private readonly descriptors: readonly Descriptor[],
    private readonly checks: HostChecks,
    private readonly problems: Problem[],
  ) {}

  async run(): Promise<void> {
    const refused = new Set(this.problems.map(({ fd }) => fd));
    const rest = this.descriptors.filter(({ fd }) => !refused.has(fd));
    if (canWalk()) {
      for (const descriptor of rest) if (descriptor.kind === 'preopen') this.checkPreopen(descriptor);
      for (const descriptor of rest) {
        const { kind, hostPath } = descriptor;
        if (descriptor.contents !== undefined) continue; // it is created anew
        if (kind === 'file' || kind === 'directory') await this.checkBelow(descriptor);
        else if (kind === 'given') await this.checkGiven(descriptor);
        else if (kind === 'stdio' && hostPath.length > 0) this.checkStream(descriptor);
      }
    }
    try {
      for (const descriptor of rest) if (descriptor.kind === 'listener') await this.checkListener(descriptor);
    } finally {
      for (const server of this.servers) server.close();
    }
  }

  private checkPreopen(preopen: Descriptor): void {
    const { fd, guestName, hostPath } = preopen;
    try {
      const directory = openSync(Buffer.from(hostPath), constants.O_RDONLY | constants.O_DIRECTORY);
      if (isSameFile(preopen.identity, fstatSync(directory, { bigint: true }))) this.same.add(fd);
      closeSync(directory);
      this.usable.set(fd, preopen);
    } catch (error) {
      const name = Buffer.from(guestName).toString();
      this.add(fd, `directory ${quote(guestName)} (${quote(hostPath)}): ${reason(error)}`, `--dir HOST::${name}`);
    }
  }

  private async checkBelow(descriptor: Descriptor): Promise<void> {
    const { fd, kind, path } = descriptor;
    const preopen = this.usable.get(descriptor.preopen);
    if (preopen === undefined) return; // reported already
    const { guestName, hostPath, readOnly } = preopen;
    const host = Buffer.from(join(Buffer.from(hostPath).toString(), Buffer.from(path).toString()));
    const what = `${kind} ${quote(path)} below ${quote(guestName)} (${quote(host)})`;
    const mend = `--dir HOST::${Buffer.from(guestName)}, --fd ${fd}=${kind === 'file' ? 'PATH|' : ''}ignore|close`;
    if (readOnly && (descriptor.openFlags & OPEN_WRITE) !== 0) {
      this.add(fd, `${what}: it is open for writing, the directory is read-only`, mend);
      return;
    }
    await this.open(descriptor, what, mend, () => findBeneath(hostPath, path));
  }

  private async checkGiven(descriptor: Descriptor): Promise<void> {
    const { fd, hostPath } = descriptor;
    const find = () => openSync(Buffer.from(hostPath), O_PATH);
    await this.open(descriptor, `file ${quote(hostPath)}`, `--fd ${fd}=PATH|ignore|close`, find);
  }

  /** @param find opens the file as O_PATH */
  private async open(descriptor: Descriptor, what: string, mend: string, find: () => number): Promise<void> {
    const { fd } = descriptor;
    let found: number | undefined;
    try {
      found = find();
      const stat = fstatSync(found, { bigint: true });
      const problem = wrongKind(descriptor, stat);
      if (problem !== undefined) return this.add(fd, `${what}: ${problem}`, mend);
      tryToOpen(descriptor, found, stat);
      await this.compare(descriptor, what, mend, found, stat);
    } catch (error) {
      this.add(fd, `${what}: ${reason(error)}`, mend);
    } finally {
      if (found !== undefined) closeSync(found);
    }
  }

  /** Checks which file it is, its length, and what has changed. */
  private async compare(
    descriptor: Descriptor,
    what: string,
    mend: string,
    found: number,
    stat: BigIntStats,
  ): Promise<void> {
    const { fd, kind, offset, facts } = descriptor;
    const policy = this.checks.policies?.get(fd);
    const isOther = typeof policy !== 'object' && this.isOther(descriptor, stat);
    if (kind === 'directory') {
      if (isOther) this.report(fd, `${what} is not the directory that was open`);
      return;
    }
    const wasShorter = facts !== undefined && facts.size < offset;
    if (policy !== 'reopen' && stat.isFile() && stat.size < offset && !wasShorter) {
      const detail = `it has ${stat.size} bytes, the program was at offset ${offset}`;
      return this.add(fd, `${what}: ${detail}`, `${mend}, --fd ${fd}=reopen`);
    }
    if (typeof policy === 'object') return;
    if (facts === undefined) {
      if (policy === 'fail')
        this.add(fd, `${what}: the snapshot has nothing to compare it with`, `without --fd ${fd}=fail`);
      return;
    }
    const now: FileFacts = fileFacts(stat);
    const hashed = facts.sha256 !== undefined && stat.isFile();
    const sha256 = hashed ? await hashFile(pathOfDescriptor(found)) : undefined;
    const differences = factsThatDiffer(facts, { ...now, sha256 });
    if (isOther && (sha256 === undefined || differences.length > 0)) {
      const text = differences.length === 0 ? '' : `: ${differences.join(', ')}`;
      this.report(fd, `${what} is not the file that was open${text}`);
    } else if (differences.length > 0) {
      this.report(fd, `${what} has changed since the capture: ${differences.join(', ')}`);
    }
  }

  /** Identities can be compared only in the same directory, on the same machine since its last boot. */
  private isOther({ kind, preopen, identity }: Descriptor, stat: BigIntStats): boolean {
    return (kind === 'given' || this.same.has(preopen)) && isSameFile(identity, stat) === false;
  }

  /** Reports how a file differs: an error if the user wants that, else a warning. */
  private report(fd: number, text: string): void {
    const policy = this.checks.policies?.get(fd);
    const isStrict = policy === 'fail' || (policy === undefined && this.checks.strictFiles);
    if (isStrict) this.add(fd, text, `--fd ${fd}=reopen`);
    else this.warnings.push(`descriptor ${fd}, ${text}`);
  }

  /** Input has to be readable; output is created when it does not exist. */
  private checkStream(descriptor: Descriptor): void {
    const { fd, hostPath } = descriptor;
    const isInput = (descriptor.stream ?? fd) === 0;
    const path = Buffer.from(hostPath).toString();
    try {
      const stat = statSync(path, { throwIfNoEntry: isInput });
      if (stat?.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
      if (stat !== undefined) accessSync(path, isInput ? constants.R_OK : constants.W_OK);
      else accessSync(dirname(path), constants.W_OK | constants.X_OK);
    } catch (error) {
      this.add(fd, `standard stream as file ${quote(hostPath)}: ${reason(error)}`, `--fd ${fd}=PATH|ignore|close`);
    }
  }

  private async checkListener({ fd, path }: Descriptor): Promise<void> {
    const line = Buffer.from(path).toString();
    const problem = line.startsWith('unix:') ? unixProblem(line.slice(5)) : await this.bind(line);
    if (problem === undefined) return;
    const mend = `--listen HOST:PORT, --listen unix:PATH, --fd ${fd}=ignore|close`;
    this.add(fd, `listener ${quote(path)}: ${problem}`, mend);
  }

  /** @param line a line of WAGSNAP_LISTEN. The image parses it, and refuses a malformed one. */
  private async bind(line: string): Promise<string | undefined> {
    const match = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/i.exec(line);
    if (!match || Number(match[3]) > 65535) return undefined;
    const server = createServer((socket) => socket.destroy());
    const error = await new Promise<NodeJS.ErrnoException | undefined>((done) => {
      server.once('error', done);
      server.listen({ host: match[1] ?? match[2], port: Number(match[3]), exclusive: true }, () => done(undefined));
    });
    if (error !== undefined) return reason(error);
    if ((server.address() as AddressInfo).port === Number(match[3])) this.servers.push(server);
    else server.close();
    return undefined;
  }

  private add(fd: number, what: string, mend: string): void {
    this.problems.push({ fd, what, mend });
  }
}

const OPEN_WRITE = 2;
const O_PATH = 0x200000; // asm-generic/fcntl.h

function wrongKind({ kind, facts }: Descriptor, stat: BigIntStats): string | undefined {
  const { type } = fileFacts(stat);
  if (kind === 'directory') return type === 'directory' ? undefined : `it is a ${type}, not a directory`;
  if (type === 'directory') return 'it is a directory, not a file';
  if (facts !== undefined && facts.type !== type) return `it is a ${type}, but was a ${facts.type}`;
  return undefined;
}

/**
 * Opens the file with the access that it will have. For a pipe or a device, which opening could affect, only asks for
 * permission.
 */
function tryToOpen({ kind, openFlags }: Descriptor, found: number, stat: BigIntStats): void {
  const path = pathOfDescriptor(found);
  if (kind === 'directory') return closeSync(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
  const writes = (openFlags & OPEN_WRITE) !== 0;
  const reads = !writes || (openFlags & 1) !== 0;
  if (!stat.isFile()) return accessSync(path, (reads ? constants.R_OK : 0) | (writes ? constants.W_OK : 0));
  closeSync(openSync(path, writes ? (reads ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY));
}

function unixProblem(path: string): string | undefined {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })) return 'the address is in use (remove the file if nobody listens)';
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return reason(error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use',
  ELOOP: 'too many levels of symbolic links',
};

function reason(error: unknown): string {
  if (error instanceof PathError && error.code === 'EXDEV') return error.message;
  return REASONS[(error as NodeJS.ErrnoException).code ?? ''] ?? systemReason(error);
}
