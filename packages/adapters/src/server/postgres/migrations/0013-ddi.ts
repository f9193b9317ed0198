// SPDX-License-Identifier: Apache-2.0

/**
 * What is kept of devices that speak hawkBit's DDI, a document each, beside their row in the registry. A device without a row
 * here is none. Their outcomes lie in the ledger as those of every device; the document holds what a client is shown.
 */
export const DDI = `
create table ddi_device (
  device_id text collate "C" primary key references device,
  document jsonb not null
);
`;
