/**
 * Loaded before each test file. Tests of a file that takes long (slow-files.ts) have more time; and between two tests
 * the worker handles messages of the runner, also where each test blocks the thread (spawnSync): the runner abandons a
 * worker that does not answer for a minute.
 */

import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, vi } from 'vitest';
import { secondsOf } from './slow-files.js';

if (secondsOf(expect.getState().testPath ?? '') > 0) vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
afterEach(() => setImmediate());
