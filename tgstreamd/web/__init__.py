"""Serves metrics, health and a status page over HTTP, if `[metrics] listen` is configured.

`reading` collects the data, `health` judges it, `metrics` and `prometheus` render it for Prometheus, `routes`
answers HTTP requests, `server` and `port` own the port. Imported only when configured. Changes nothing.
"""
