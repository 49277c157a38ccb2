"""The hub room: JupyterHub's configuration, who may do what, the boxes of servers, the services, the start."""
