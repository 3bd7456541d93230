"""chess: all positions three moves deep, and a game in notation."""
import chess
from measure import measure

POSITIONS = [chess.STARTING_FEN, "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1"]


def count(board, depth):
    if depth == 1:
        return board.legal_moves.count()
    total = 0
    for move in board.legal_moves:
        board.push(move)
        total += count(board, depth - 1)
        board.pop()
    return total


def run():
    counts = [count(chess.Board(POSITIONS[0]), 4), count(chess.Board(POSITIONS[1]), 2)]
    board = chess.Board()
    game = []
    for n in range(60):
        moves = sorted(board.legal_moves, key=str)
        if not moves:
            break
        game.append(board.san(moves[n * 7 % len(moves)]))
        board.push(moves[n * 7 % len(moves)])
    return [counts, game, board.fen()]


measure(run)
