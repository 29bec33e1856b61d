"""What was used last: the bounds of derived results, on disk and in memory. Pure bookkeeping, for one thread."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from longshore.adapters.disk.entries import Entry, Slot
from longshore.core.ids import FileId
from longshore.ports.derived import Derived

#: What a result costs in memory beside its bytes.
_OVERHEAD = 1024


class DiskIndex:
    """Sizes in order of use; never more than `max_bytes` once it is complete. What memory holds is always in here."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.total = 0
        self._reserved = 0
        self._sizes: OrderedDict[Slot, int] = OrderedDict()
        self._keys: dict[FileId, set[str]] = {}
        self._verified: set[Slot] = set()
        self._dropped: set[FileId] | None = set()  # while the scan has not been merged

    def is_verified(self, slot: Slot) -> bool:
        """Whether it has been read or made in this life of the process."""
        return slot in self._verified

    def use(self, slot: Slot, size: int) -> None:
        self.discard(slot)
        self._add(slot, size)
        self._verified.add(slot)

    def touch(self, slot: Slot) -> None:
        if slot in self._sizes:
            self._sizes.move_to_end(slot)

    def discard(self, slot: Slot) -> None:
        size = self._sizes.pop(slot, None)
        if size is None:
            return
        self.total -= size
        self._verified.discard(slot)
        keys = self._keys[slot[0]]
        keys.remove(slot[1])
        if not keys:
            del self._keys[slot[0]]

    def drop(self, file_id: FileId) -> list[Slot]:
        """Forget all of a file; what that was."""
        if self._dropped is not None:
            self._dropped.add(file_id)
        slots = [(file_id, key) for key in self._keys.get(file_id, ())]
        for slot in slots:
            self.discard(slot)
        return slots

    def merge(self, entries: Iterable[Entry], memory: MemoryCache) -> list[Slot]:
        """Add what a scan found, as older than all that was used since it began; who has to go."""
        dropped = self._dropped or set[FileId]()
        self._dropped = None
        used = list(self._sizes)
        for entry in entries:
            if entry.slot not in self._sizes and entry.slot[0] not in dropped:
                self._add(entry.slot, entry.size)
        for slot in used:
            self._sizes.move_to_end(slot)
        return self.make_room(memory)

    def reserve(self, size: int, memory: MemoryCache) -> list[Slot]:
        """Make room for `size` bytes that are about to come, until `release`; who has to go."""
        self._reserved += size
        return self.make_room(memory)

    def release(self, size: int) -> None:
        self._reserved -= size

    def _add(self, slot: Slot, size: int) -> None:
        self._sizes[slot] = size
        self._keys.setdefault(slot[0], set()).add(slot[1])
        self.total += size

    def make_room(self, memory: MemoryCache) -> list[Slot]:
        """Forget the least recently used until all fits; who has to go.

        What memory still serves counts as used: its hits are not written down one by one.
        """
        victims: list[Slot] = []
        spared = 0
        while self._sizes and self.total + self._reserved > self.max_bytes:
            slot = next(iter(self._sizes))
            if spared < len(memory) and slot in memory:
                self._sizes.move_to_end(slot)
                spared += 1
                continue
            self.discard(slot)
            memory.discard(slot)
            victims.append(slot)
        return victims


class MemoryCache:
    """Small results, whole, in order of use."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._total = 0
        self._results: OrderedDict[Slot, Derived] = OrderedDict()

    def __len__(self) -> int:
        return len(self._results)

    def __contains__(self, slot: Slot) -> bool:
        return slot in self._results

    def get(self, slot: Slot) -> Derived | None:
        found = self._results.get(slot)
        if found is not None:
            self._results.move_to_end(slot)
        return found

    def put(self, slot: Slot, derived: Derived, index: DiskIndex) -> None:
        """Those who lose their place here have been in use until now, as far as `index` is concerned."""
        self.discard(slot)
        self._results[slot] = derived
        self._total += derived.size + _OVERHEAD
        while self._total > self._max_bytes:
            evicted, result = self._results.popitem(last=False)
            self._total -= result.size + _OVERHEAD
            index.touch(evicted)

    def discard(self, slot: Slot) -> None:
        result = self._results.pop(slot, None)
        if result is not None:
            self._total -= result.size + _OVERHEAD
