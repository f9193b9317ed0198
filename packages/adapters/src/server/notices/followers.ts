// SPDX-License-Identifier: Apache-2.0

/** Those in this process who want to look when a notice comes. */
export interface Followers {
  add(look: () => void): () => void;
  tell(): void;
}

export function followers(): Followers {
  const looks = new Set<() => void>();
  return {
    add(look) {
      looks.add(look);
      return () => {
        looks.delete(look);
      };
    },
    tell() {
      for (const look of looks) look();
    },
  };
}
