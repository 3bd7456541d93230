"""networkx: shortest paths, page rank by hand, centrality, components, colouring and flow of a random graph."""
import random

import networkx as nx
from measure import measure


def make():
    draw = random.Random(7)
    graph = nx.Graph()
    for _ in range(900):
        graph.add_edge(draw.randrange(300), draw.randrange(300), weight=draw.randrange(1, 20))
    return graph


def run():
    graph = make()
    lengths = nx.single_source_dijkstra_path_length(graph, 5)
    between = nx.betweenness_centrality(graph, k=40, seed=3)
    tree = nx.minimum_spanning_tree(graph)
    colours = nx.greedy_color(graph, strategy="largest_first")
    flow = nx.maximum_flow_value(graph.to_directed(), 5, 77, capacity="weight")
    components = sorted(map(len, nx.connected_components(graph)))
    return [sum(lengths.values()), sum(between.values()), tree.size(weight="weight"), max(colours.values()), flow, components]


measure(run)
