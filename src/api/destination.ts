/** Where a workload is moved to, and a connection that is made while it is looked at. */

export { type DestinationOptions, parseDestination } from '../transport/destination.js';
export { EarlyLink } from '../transport/early-link.js';
