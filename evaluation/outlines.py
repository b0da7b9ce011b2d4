"""Closed curves around the regions of a mask, along the edges between pixels.

A corner (row, column) lies at the upper left of pixel (row, column). Where two foreground pixels
touch at a corner only, four edges meet: a saddle. Curves start, turn and come in the order of the
official evaluation code, since temporal stability depends on all three.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.region import Mask


@dataclass(frozen=True)
class Curve:
    """One closed curve, (P, 2) int64 rows and columns, the last the first again."""

    corners: NDArray[np.int64]
    hole: bool


@dataclass(frozen=True)
class _Piece:
    """A stretch of outline, as numbers of corners; `forward` if the foreground is on its left."""

    path: list[int]
    forward: bool

    def runs_across(self, saddle: int) -> bool:
        """Tell whether the piece meets a saddle from the left or right, not from above or below."""
        step = self.path[:2] if self.path[0] == saddle else self.path[-2:]
        return abs(step[0] - step[1]) == 1


@dataclass(frozen=True)
class _Graph:
    """The corners of outlines, numbered row by row, and edges with foreground on the left."""

    columns: int
    following: dict[int, int]
    preceding: dict[int, int]
    saddles: dict[int, frozenset[int]]
    downward: list[int]


def trace(mask: Mask) -> list[Curve]:
    """Follow the outlines of a mask (H, W) bool, whose surroundings count as background.

    First come curves without a saddle, the lowest start first, then those that meet one. None
    crosses itself or another one; they may touch in saddles.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return []
    graph = _graph(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    pieces = _pieces_between_saddles(graph)
    loops = _loops_without_saddle(graph, visited={c for piece in pieces for c in piece.path})
    offset = np.array([rows[0], columns[0]])
    return [_curve(piece, graph.columns, offset) for piece in loops[::-1] + _join(pieces)]


def _graph(mask: Mask) -> _Graph:
    padded = np.pad(mask, 1)
    columns = padded.shape[1] - 1
    above_left, above_right = padded[:-1, :-1], padded[:-1, 1:]
    below_left, below_right = padded[1:, :-1], padded[1:, 1:]
    # An edge goes where its left side is foreground and its right side isn't.
    leaving = {
        -columns: above_left & ~above_right,
        -1: below_left & ~above_left,
        columns: below_right & ~below_left,
        1: above_right & ~below_right,
    }
    is_saddle = (leaving[-columns] & leaving[columns]) | (leaving[-1] & leaving[1])
    following, preceding = {}, {}
    saddles: dict[int, frozenset[int]] = {int(c): frozenset() for c in np.flatnonzero(is_saddle)}
    for step, exists in leaving.items():
        for corner in np.flatnonzero(exists).tolist():
            if corner in saddles:
                saddles[corner] |= {corner + step}
            else:
                following[corner] = corner + step
            if corner + step not in saddles:
                preceding[corner + step] = corner
    downward = np.flatnonzero(below_left ^ below_right).tolist()
    return _Graph(columns, following, preceding, saddles, downward)


def _pieces_between_saddles(graph: _Graph) -> list[_Piece]:
    pieces: list[_Piece] = []
    taken: set[tuple[int, int]] = set()
    for saddle in sorted(graph.saddles, reverse=True):
        for step in (-graph.columns, -1, graph.columns, 1):
            if (saddle, saddle + step) in taken:
                continue
            forward = saddle + step in graph.saddles[saddle]
            onward = graph.following if forward else graph.preceding
            path = [saddle, saddle + step]
            while path[-1] not in graph.saddles:
                path.append(onward[path[-1]])
            taken |= {(path[0], path[1]), (path[-1], path[-2])}
            pieces.append(_Piece(path, forward))
    return pieces


def _loops_without_saddle(graph: _Graph, visited: set[int]) -> list[_Piece]:
    """Follow each remaining loop from its upper left corner, downwards first."""
    loops = []
    for corner in graph.downward:
        if corner in visited:
            continue
        forward = graph.following[corner] == corner + graph.columns
        onward = graph.following if forward else graph.preceding
        path = [corner, onward[corner]]
        while path[-1] != corner:
            path.append(onward[path[-1]])
        visited.update(path)
        loops.append(_Piece(path, forward))
    return loops


def _join(pieces: list[_Piece]) -> list[_Piece]:
    """Join pieces into loops that turn at each saddle and pass each at most once."""
    waiting: dict[int, set[int]] = {}
    for number, piece in enumerate(pieces):
        for saddle in (piece.path[0], piece.path[-1]):
            waiting.setdefault(saddle, set()).add(number)
    loops: list[_Piece] = []
    for saddle in sorted(waiting, reverse=True):
        while waiting[saddle]:
            loops += _walk(pieces, waiting, saddle)
    return loops


def _walk(pieces: list[_Piece], waiting: dict[int, set[int]], saddle: int) -> list[_Piece]:
    """Walk from a saddle until back, taking pieces away and cutting loops off."""
    loops: list[_Piece] = []
    number = min(waiting[saddle])
    # The saddles passed, in order, and the piece by which each was left.
    route: dict[int, int] = {}
    while True:
        path = pieces[number].path
        waiting[path[0]].discard(number)
        waiting[path[-1]].discard(number)
        route[saddle] = number
        saddle = path[-1] if saddle == path[0] else path[0]
        if saddle in route:
            loop = [route.popitem()]
            while loop[-1][0] != saddle:
                loop.append(route.popitem())
            loops.append(_chain(pieces, loop[::-1]))
        if not route:
            return loops
        across = pieces[route[next(reversed(route))]].runs_across(saddle)
        number = min(n for n in waiting[saddle] if pieces[n].runs_across(saddle) != across)


def _chain(pieces: list[_Piece], route: list[tuple[int, int]]) -> _Piece:
    path = [route[0][0]]
    for saddle, number in route:
        piece = pieces[number].path
        path += piece[1:] if piece[0] == saddle else piece[-2::-1]
    first = pieces[route[0][1]]
    along = first.path[0] == route[0][0]
    return _Piece(path, first.forward == along)


def _curve(loop: _Piece, columns: int, offset: NDArray[np.int64]) -> Curve:
    corners = np.stack(np.divmod(np.array(loop.path), columns), axis=1)
    # With the foreground on the left, an outer boundary goes down before it goes right.
    hole = (signed_area(corners) > 0) == loop.forward
    return Curve(corners + offset, hole)


def signed_area(corners: NDArray[np.int64]) -> int:
    """Return twice the area within a closed curve, negative if it goes down and then right."""
    steps, sums = np.diff(corners[:, 0]), corners[:-1, 1] + corners[1:, 1]
    return int((steps * sums).sum())
