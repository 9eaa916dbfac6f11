"""Stand-ins for Pulumi's provider plugins, which no package registry offers; the engine attaches them over gRPC."""
