terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = ">= 5.0, < 7.0"
      configuration_aliases = [aws.east, aws.west]
    }
    null  = "~> 3.2"
    other = { source = "registry.terraform.io/acme/other" }
    own = {
      source  = "mods.example/acme/own"
      version = "1.0.0"
    }
  }
}

provider "google" {
  region = "eu"
}

provider "aws" {
  alias   = "old"
  version = "~> 4.0"
}

resource "aws_vpc" "it" {
  provider = aws.east
}

resource "random_id" "id" {
  byte_length = 4
}

resource "google_dns_zone" "beta" {
  provider = google-beta
}

data "azurerm_subscription" "current" {}

resource "terraform_data" "it" {}

resource "null_resource" "each" {
  for_each = { a = 1 }
  provider = null
}
