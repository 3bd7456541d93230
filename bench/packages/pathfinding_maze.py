"""pathfinding: ways through a maze, with four methods."""
from measure import measure
from pathfinding.core.diagonal_movement import DiagonalMovement
from pathfinding.core.grid import Grid
from pathfinding.finder.a_star import AStarFinder
from pathfinding.finder.bi_a_star import BiAStarFinder
from pathfinding.finder.breadth_first import BreadthFirstFinder
from pathfinding.finder.dijkstra import DijkstraFinder

SIZE = 40
MATRIX = [[0 if (x * 7 + y * 13 + x * y) % 5 == 0 and x != y else 1 + (x ^ y) % 3 for x in range(SIZE)] for y in range(SIZE)]


def run():
    lengths = []
    for finder in (AStarFinder, BiAStarFinder, BreadthFirstFinder, DijkstraFinder):
        for diagonal in (DiagonalMovement.never, DiagonalMovement.always):
            grid = Grid(matrix=MATRIX)
            path, runs = finder(diagonal_movement=diagonal).find_path(grid.node(0, 0), grid.node(SIZE - 1, SIZE - 1), grid)
            lengths.append((len(path), runs))
    return repr(lengths)


measure(run)
